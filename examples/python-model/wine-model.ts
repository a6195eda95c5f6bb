// What the Python worker offers, for TypeScript.

export interface Prediction {
  grower: string;
  probability: number;
}

export interface WineModel {
  features(): string[];
  accuracy(): number;
  unseen(count: number): number[][];
  predict(wines: readonly (readonly number[])[]): Prediction[];
}
