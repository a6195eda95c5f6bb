/** Stands for the file that `interfaceDeclaration` writes. */
export declare const PYTHON_MATH_HASH: string;

export interface PythonMath {
  add(a: number, b: number): number;
}
