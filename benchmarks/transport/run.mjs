// `pnpm bench:transport`: an echo through the ZMTP transport over TCP and Unix sockets, against bare zeromq.js in the same
// run. Nothing is encoded or decoded. How: ../README.md.

import { medianOfRoundTrips, spread } from "../measure.mjs";
import { readOptions } from "../options.mjs";
import { startContender } from "./contenders.mjs";

const KIBIBYTE = 1024;

const options = readOptions("pnpm bench:transport [--repetitions NUMBER] [--only CASE]", {
  repetitions: { type: "string", default: "7" },
  only: { type: "string" },
});

const CASES = [
  { title: "150 B, one after the other, µs", bytes: 150, inFlight: 1, ms: 300 },
  { title: "150 B, 128 in flight, /s", bytes: 150, inFlight: 128, ms: 300 },
  { title: "4 KiB, 128 in flight, /s", bytes: 4 * KIBIBYTE, inFlight: 128, ms: 300 },
  { title: "64 KiB, one after the other, µs", bytes: 64 * KIBIBYTE, inFlight: 1, ms: 300 },
  { title: "1 MiB, one after the other, µs", bytes: KIBIBYTE ** 2, inFlight: 1, ms: 400 },
  { title: "16 MiB, one after the other, µs", bytes: 16 * KIBIBYTE ** 2, inFlight: 1, ms: 800 },
].filter(({ title }) => options.only === undefined || title.startsWith(options.only));

const contenders = await Promise.all(["zmtp-tcp", "zmtp-unix", "zeromq"].map(startContender));
try {
  for (const { title, bytes, inFlight, ms } of CASES) {
    const payload = new Uint8Array(bytes).fill(0xa5);
    const measure = ({ roundTrip, rate }, time) =>
      inFlight === 1 ? medianOfRoundTrips(() => roundTrip(payload), time) : rate(payload, inFlight, time);
    for (const contender of contenders) {
      await measure(contender, ms);
    }
    const rounds = [];
    for (let repetition = 0; repetition < Number(options.repetitions); repetition += 1) {
      const round = {};
      for (const contender of contenders) {
        round[contender.kind] = await measure(contender, ms);
      }
      rounds.push(round);
    }
    const bare = spread(rounds.map((round) => round.zeromq));
    console.log(`${title}   bare zeromq.js: ${bare.median.toFixed(0)}`);
    for (const kind of ["zmtp-tcp", "zmtp-unix"]) {
      const own = spread(rounds.map((round) => round[kind]));
      const ratio = spread(rounds.map((round) => round[kind] / round.zeromq));
      const range = `${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)}`;
      console.log(
        `  ${kind.padEnd(10)} ${own.median.toFixed(0).padStart(9)}   ÷ bare ${ratio.median.toFixed(2)} (${range})`,
      );
    }
  }
} finally {
  await Promise.all(contenders.map((contender) => contender.close()));
}
