// Made by multifrost from what the worker tells of itself. Do not change it by hand: make it anew.
// An integer is a number here; beyond 2^53 - 1 either way it arrives as a bigint.

/** Changes with the interface. As the option `interfaceHash` of a parent it tells when that has happened. */
export const WINE_MODEL_HASH = "d115d2a0504d278706879eab1d783a2575bcf541e37e8555861f06d78bb9144e";

/** The worker's methods, for `ParentWorker.spawn<WineModel>(…)` and `ParentWorker.connect<WineModel>(…)`. */
export interface WineModel {
  /**
   * The part of the wines kept from training that it tells right.
   */
  accuracy(): number;
  /**
   * What is measured, in the order that `predict` wants it in.
   */
  features(): string[];
  /**
   * One prediction for each wine.
   */
  predict(wines: number[][]): Prediction[];
  /**
   * Wines that the model was not trained on, to try it with.
   */
  unseen(count: number): number[][];
}

export interface Prediction {
  grower: string;
  probability: number;
}
