// Made by multifrost from what the worker tells of itself. Do not change it by hand: make it anew.
// An integer is a number here; beyond 2^53 - 1 either way it arrives as a bigint.

/** Changes with the interface. As the option `interfaceHash` of a parent it tells when that has happened. */
export const LEADERBOARD_HASH = "b7c1752ea4e8c33c3f8ed085f5bced0bfd2e22b9f634ca3cf96773eef1c44dc9";

/** The worker's methods, for `ParentWorker.spawn<Leaderboard>(…)` and `ParentWorker.connect<Leaderboard>(…)`. */
export interface Leaderboard {
  submit(arg0: string, arg1: number): Standing;
  top(arg0: number): Standing[];
}

export interface Standing {
  place: number;
  player: string;
  score: number;
}
