/**
 * The camera's place, kept while the finished job's page replaces the running one's: people who
 * look around in the growing scene go on from there.
 */
import { Vector3 } from "three";
import { tabMemory } from "./tab-memory.js";

const KEY = "kept-pose";
const GOOD_FOR_MS = 60_000; // somebody who comes back later wants the start view

/** @param {import("../camera/pose.js").Pose} pose */
export function keepPose(pose) {
  const memory = { page: location.pathname, at: Date.now(), pose };
  tabMemory()?.setItem(KEY, JSON.stringify(memory));
}

/** What was kept on this page a moment ago, once. @returns {import("../camera/pose.js").Pose | null} */
export function takePose() {
  const memory = JSON.parse(tabMemory()?.getItem(KEY) ?? "null");
  tabMemory()?.removeItem(KEY);
  if (memory?.page !== location.pathname || Date.now() - memory.at > GOOD_FOR_MS) return null;
  const { position, target, up, ...lens } = memory.pose;
  const vector = ({ x, y, z }) => new Vector3(x, y, z);
  return { position: vector(position), target: vector(target), up: vector(up), ...lens };
}
