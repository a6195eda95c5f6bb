/** Stands for the file that `interfaceDeclaration` writes. */
export declare const MODEL_HASH: string;

export interface Model {
  predict(features: number[]): number;
}
