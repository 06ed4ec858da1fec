/** The fern as a file. */
import { growFern, inkOf, layOut, projector } from "./fern.js";

const WIDTH = 600;
const HEIGHT = 500;

/** @returns {string} an SVG document */
export function fernSvg() {
  const project = projector({ yaw: 0, pitch: 0.2, width: WIDTH, height: HEIGHT });
  const short = (value) => String(Math.round(value * 10) / 10);
  const ellipses = layOut(growFern(), project).map((e) => {
    const turn = `rotate(${short((e.angle * 180) / Math.PI)} ${short(e.x)} ${short(e.y)})`;
    return `<ellipse cx="${short(e.x)}" cy="${short(e.y)}" rx="${short(e.rx)}" ry="${short(e.ry)}" transform="${turn}" fill="${inkOf(e)}"/>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#12355f"/>`,
    ...ellipses,
    "</svg>",
  ].join("\n");
}
