import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript-api";

/** Parsed files, shared by all editors of a test file. */
const REGISTRY = ts.createDocumentRegistry();
const ROOT = fileURLToPath(new URL("../../../..", import.meta.url));

/** What an editor shows of a place in a file. */
export interface Hover {
  /** The declaration, such as `(method) add(a: number): Promise<number>`. */
  readonly text: string;
  readonly documentation: string;
}

/** Asks the TypeScript language service about files that exist in memory only, next to the tests. */
export class Editor {
  readonly #files: ReadonlyMap<string, string>;
  readonly #main: string;
  readonly #source: string;
  readonly #service: ts.LanguageService;

  /** @param files The sources by file name. The first is the one that questions are about. */
  constructor(files: Readonly<Record<string, string>>) {
    const folder = join(ROOT, "packages/parent/test/calls");
    this.#files = new Map(Object.entries(files).map(([name, source]) => [join(folder, name), source]));
    const [main, source] = [...this.#files][0] ?? ["", ""];
    this.#main = main;
    this.#source = source;
    this.#service = ts.createLanguageService(this.#host(), REGISTRY);
  }

  /** What is shown for the last word of the first occurrence of `text`. */
  hover(text: string): Hover {
    const info = this.#service.getQuickInfoAtPosition(this.#main, this.#lastCharacterOf(text));
    return {
      text: ts.displayPartsToString(info?.displayParts),
      documentation: ts.displayPartsToString(info?.documentation),
    };
  }

  /** Where "go to definition" leads from the last word of `text`: `file: line of source`. */
  definitions(text: string): string[] {
    const found = this.#service.getDefinitionAtPosition(this.#main, this.#lastCharacterOf(text)) ?? [];
    return found.map(({ fileName, textSpan }) => {
      const source = this.#files.get(fileName) ?? ts.sys.readFile(fileName) ?? "";
      const from = source.lastIndexOf("\n", textSpan.start) + 1;
      return `${fileName.slice(dirname(this.#main).length + 1)}: ${source.slice(from).split("\n", 1)[0]?.trim()}`;
    });
  }

  /** The names that are offered after `text`. */
  completions(text: string): string[] {
    const position = this.#lastCharacterOf(text) + 1;
    const offered = this.#service.getCompletionsAtPosition(this.#main, position, {});
    return (offered?.entries ?? []).map(({ name }) => name).sort();
  }

  /** The compiler's messages. */
  problems(): string[] {
    return this.#service
      .getSemanticDiagnostics(this.#main)
      .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n"));
  }

  /** How many types the compiler makes to check the file: a measure of their cost that does not depend on the machine. */
  instantiations(): number {
    const program = this.#service.getProgram();
    program?.getSemanticDiagnostics(program.getSourceFile(this.#main));
    return program?.getInstantiationCount() ?? 0;
  }

  #lastCharacterOf(text: string): number {
    const start = this.#source.indexOf(text);
    if (start < 0) {
      throw new Error(`the source does not contain ${text}`);
    }
    return start + text.length - 1;
  }

  #host(): ts.LanguageServiceHost {
    const { config } = ts.readConfigFile(join(ROOT, "tsconfig.test.json"), ts.sys.readFile);
    const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, ROOT);
    const read = (path: string): string | undefined => this.#files.get(path) ?? ts.sys.readFile(path);
    return {
      getCompilationSettings: () => options,
      getScriptFileNames: () => [...this.#files.keys()],
      getScriptVersion: () => "1",
      getScriptSnapshot: (path) => {
        const source = read(path);
        return source === undefined ? undefined : ts.ScriptSnapshot.fromString(source);
      },
      getCurrentDirectory: () => ROOT,
      getDefaultLibFileName: ts.getDefaultLibFilePath,
      fileExists: (path) => this.#files.has(path) || ts.sys.fileExists(path),
      readFile: read,
      directoryExists: ts.sys.directoryExists,
      getDirectories: ts.sys.getDirectories,
    };
  }
}
