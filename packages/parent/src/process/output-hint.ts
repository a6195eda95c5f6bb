// What the last lines of a process say about why it ended: patterns of Node, Python, shells and native code.

/** A pattern, and what it means. Texts of the match are in its groups. */
interface Cause {
  readonly pattern: RegExp;
  says(match: RegExpMatchArray, command: string): string;
}

const FULL_MEMORY: readonly Cause[] = [
  {
    pattern: /JavaScript heap out of memory|Reached heap limit|Ineffective mark-compacts near heap limit/g,
    says: () =>
      'Its JavaScript heap was full. Give it more, in MB, by the option execArgv: ["--max-old-space-size=4096"]; send it less at once; ' +
      "or look for what it keeps.",
  },
  {
    pattern:
      /^(?:numpy\S*)?MemoryError\b|_ArrayMemoryError\b|std::bad_alloc|memory allocation of \d+ bytes failed|Cannot allocate memory|runtime: out of memory|Array buffer allocation failed|\bENOMEM\b/gm,
    says: () =>
      "It could not get memory. Give the machine or container more (see also `ulimit -v`), or let the worker hold less at once.",
  },
];

const CAUSES: readonly Cause[] = [
  {
    pattern: /Cannot find package '([^']+)'|Cannot find module '((?![./]|[a-zA-Z]:|file:)[^']+)'/g,
    says: ([, one, other]) =>
      `It has no package '${one ?? other}': npm install ${packageOf(one ?? other ?? "")} where the script is.`,
  },
  {
    pattern: /Cannot find module '([^']+)'/g,
    says: ([, file]) =>
      `It imports the file ${file}, which does not exist. Check the path; an import of an ES module needs the extension.`,
  },
  {
    pattern: /(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?/g,
    says: ([, name]) =>
      `Its Python has no module '${name}'. Install it for the interpreter of this command, or choose another interpreter.`,
  },
  {
    pattern: /was compiled against a different Node\.js version|NODE_MODULE_VERSION|ERR_DLOPEN_FAILED/g,
    says: () =>
      "An addon was built for another Node or another machine: npm rebuild, or install it again with this Node.",
  },
  {
    pattern:
      /(?:error while loading shared libraries: |ImportError: |OSError: )(\S+): (?:cannot open shared object file|undefined symbol|invalid ELF header|wrong ELF class|version `[^']+' not found)|`?(GLIBC\S*)' not found/g,
    says: ([, library, libc]) =>
      `The native library ${library ?? libc} is missing or of another version or processor: install what the program depends on, for this machine.`,
  },
  {
    pattern: /Exec format error|cannot execute binary file|ENOEXEC|\bELF\W*not found/g,
    says: () =>
      "The program is built for another system or processor, or is a script without a first line like #!/usr/bin/env node. Name the " +
      "program that runs it as the second argument of ParentWorker.spawn().",
  },
  {
    pattern: /bad interpreter: |\benv: \W?([^\s'’:]+)\W?: No such file/g,
    says: () =>
      "The program that its first line (#!) names is not here. Install it, or name the program that runs the script as the second " +
      "argument of ParentWorker.spawn(); a line that ends with CR, as Windows writes it, is not found either.",
  },
  {
    pattern:
      /Cannot use import statement outside a module|Unexpected token 'export'|require is not defined in ES module scope/g,
    says: () => 'Node takes it for the other kind of module: name it .mjs or .cjs, or set "type" in its package.json.',
  },
  {
    pattern: /ERR_UNKNOWN_FILE_EXTENSION|Unknown file extension/g,
    says: () =>
      "Node does not run files of this kind. Install what does (for TypeScript: npm install --save-dev tsx), or spawn the compiled file.",
  },
  {
    pattern: /: bad option: (\S+)|(\S+) is not allowed in NODE_OPTIONS/g,
    says: ([, option, other]) =>
      `Node does not accept the option ${option ?? other}: look at execArgv and NODE_OPTIONS.`,
  },
  {
    pattern: /^\s*(?:SyntaxError|IndentationError|TabError): /gm,
    says: (_match, command) =>
      `The program that ran it cannot read the script. Check that it is the right one and new enough: ${command.split(" ", 1)[0]} --version. ` +
      "Another is chosen by the second argument of ParentWorker.spawn().",
  },
  {
    pattern: /EADDRINUSE|Address already in use/gi,
    says: () => "An address that it listens on is taken. End the program that has it, or let it listen on port 0.",
  },
  {
    pattern: /EMFILE|ENFILE|Too many open files/gi,
    says: () =>
      "It had no file descriptors left: raise `ulimit -n`, or look for files and sockets that it does not close.",
  },
  {
    pattern: /ENOSPC|No space left on device/gi,
    says: () => "A disk is full, or /dev/shm, or the watches of inotify are used up.",
  },
  {
    pattern: /\bEACCES\b|\bEPERM\b|PermissionError: |Permission denied|Operation not permitted/gi,
    says: () =>
      "It may not do something that it tried: the line in its output says to which file or address. Check the rights of the user it runs as.",
  },
];

/** What is said about a full memory, in whatever way the process ended then. */
export function fullMemoryHint(stderrTail: string): string | undefined {
  return latestOf(FULL_MEMORY, stderrTail, "");
}

/** What the end of the output says; of several causes the one that was written last. */
export function outputHint(output: string, command: string): string | undefined {
  return latestOf(CAUSES, output, command);
}

function latestOf(causes: readonly Cause[], output: string, command: string): string | undefined {
  let latest: { readonly at: number; readonly text: string } | undefined;
  for (const { pattern, says } of causes) {
    for (const match of output.matchAll(pattern)) {
      if (latest === undefined || match.index > latest.at) {
        latest = { at: match.index, text: says(match, command) };
      }
    }
  }
  return latest?.text;
}

/** `@scope/name` of `@scope/name/part`. */
function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}
