/**
 * Two viewers of one place, side by side: the camera of the one last touched leads, the other's
 * follows. Each scene has a world of its own; `data-together` says where the first one's lies in
 * the second's (recon/web/result/runs.py: alignment).
 */
import { Matrix4 } from "three";
import { TO_THREE } from "../camera/pose.js";

const TOUCHES = ["pointerdown", "wheel", "keydown"];

/** @param {HTMLElement} element [data-together], with two viewers and a switch (compare.html) */
export function moveTogether(element) {
  /** @type {HTMLInputElement | null} */
  const toggle = element.querySelector("[data-together-switch]");
  const viewers = [...element.querySelectorAll("[data-splat-viewer]")].map((one) => one.splatViewer);
  if (!toggle || viewers.length !== 2) return;
  const there = inThreesAxes(JSON.parse(element.dataset.together));
  const ways = [there, there.clone().invert()];
  let leader = 0;

  const follow = () => {
    const [from, to] = [viewers[leader], viewers[1 - leader]];
    if (!toggle.checked || !from.features || !to.features) return;
    to.stage.rig.follow(poseThrough(ways[leader], from.stage.rig.pose(), to.stage.rig.at));
  };
  const lead = (index) => {
    if (leader === index) return;
    viewers[leader].features?.touched(); // what moved there gives way
    leader = index;
    release(viewers[index]);
  };
  viewers.forEach(({ element: viewer }, index) => {
    // In the capture phase: when the viewer itself hears of it, its camera must be in its hands.
    const options = { capture: true, passive: true };
    for (const touch of TOUCHES) viewer.addEventListener(touch, () => lead(index), options);
    viewer.addEventListener("viewer:ready", follow);
    viewer.addEventListener("viewer:frame", () => index === leader && follow());
  });
  toggle.addEventListener("change", () => {
    if (toggle.checked) follow();
    else release(viewers[1 - leader]);
  });
  toggle.closest("[hidden]").hidden = false;
}

/** Whose camera was led may be steered again. */
function release({ stage }) {
  if (stage?.rig.at && !stage.rig.controls && !stage.rig.movement) stage.rig.control();
}

/** @param {{ scale: number, rotation: number[][], translation: number[] }} similarity between worlds as COLMAP has them */
function inThreesAxes({ scale, rotation: r, translation: t }) {
  const [x, y, z] = r.map((row, i) => [...row.map((value) => scale * value), t[i]]);
  const turn = new Matrix4().makeRotationFromQuaternion(TO_THREE);
  return new Matrix4().fromArray([...x, ...y, ...z, 0, 0, 0, 1]).transpose().premultiply(turn).multiply(turn.clone().invert());
}

/** The view of `pose` in the other world, through the same lens. */
function poseThrough(way, pose, own) {
  const position = pose.position.clone().applyMatrix4(way);
  const above = pose.position.clone().add(pose.up).applyMatrix4(way);
  return {
    ...own,
    position,
    target: pose.target.clone().applyMatrix4(way),
    up: above.sub(position).normalize(),
    fovY: pose.fovY,
    aspect: pose.aspect,
  };
}
