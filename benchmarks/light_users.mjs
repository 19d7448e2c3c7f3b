// Users of a Node.js program: one process, one promise a user, connections kept.
import { createWriteStream } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

const PAUSE_MS = 500;
const users = Number(process.env.LOADMUSTER_USERS);
const endMs =
  1000 * (Number(process.env.LOADMUSTER_START_AT) + Number(process.env.LOADMUSTER_DURATION_S));
const page = `${process.env.LOADMUSTER_TARGET}/2000`;
const samples = createWriteStream(process.env.LOADMUSTER_RESULTS);
samples.write("timeStamp,elapsed,success,allThreads\n");

async function play(number) {
  await pause((PAUSE_MS * number) / users);
  while (Date.now() < endMs) {
    const beganMs = Date.now();
    const answer = await fetch(page);
    await answer.text();
    samples.write(`${beganMs},${Date.now() - beganMs},${answer.ok},${users}\n`);
    await pause(PAUSE_MS);
  }
}

await Promise.all([...Array(users).keys()].map(play));
samples.end();
