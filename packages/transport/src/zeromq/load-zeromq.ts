// Loads the native library when the first channel is opened, so that importing this package loads no native code.

import { ConnectionError } from "@multifrost/protocol/errors";

/** The machine on which the library failed to load. */
export interface Machine {
  platform: string;
  arch: string;
  /** Only on Linux. */
  libc: "glibc" | "musl" | undefined;
}

/** Loads zeromq. Rejects with `ConnectionError` (`TRANSPORT_UNAVAILABLE`) and the reason as its `cause`. */
export async function loadZeromq(): Promise<typeof import("zeromq")> {
  try {
    return await import("zeromq");
  } catch (cause) {
    throw isMissing(cause) ? notInstalled(cause) : transportUnavailable(cause, thisMachine());
  }
}

/** Whether there is no such package, which is another problem than one that does not load. */
function isMissing(cause: unknown): boolean {
  const { code, message } = cause as { code?: unknown; message?: unknown };
  return ["ERR_MODULE_NOT_FOUND", "MODULE_NOT_FOUND"].includes(String(code)) && /['"]zeromq['"]/.test(String(message));
}

function notInstalled(cause: unknown): ConnectionError {
  const message =
    'The transport "zeromq" needs the package zeromq, an optional dependency that is not installed. ' +
    'Install it (npm install zeromq), or use the default transport, "zmtp", which needs nothing.';
  return new ConnectionError("TRANSPORT_UNAVAILABLE", message, { cause });
}

/** The error for a library that failed to load: the reason, the machine, and what to do. */
export function transportUnavailable(cause: unknown, { platform, arch, libc }: Machine): ConnectionError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const lines = [
    `The native library of the zeromq package could not be loaded on ${platform}/${arch}${libc ? ` (${libc})` : ""}: ${reason}`,
    "It comes prebuilt for Linux (x64 and arm64, glibc and musl), macOS (x64 and arm64) and Windows (x64, ia32, arm64).",
    "Reinstall on this machine and for this platform: npm rebuild zeromq, or remove node_modules and install again.",
  ];
  if (libc === "musl") {
    lines.push(
      "On musl it is found only where /etc/alpine-release exists: elsewhere create that file, or build zeromq.",
    );
  }
  lines.push('Or use the default transport, "zmtp", which has no native code and the same protocol.');
  return new ConnectionError("TRANSPORT_UNAVAILABLE", lines.join("\n"), { cause });
}

function thisMachine(): Machine {
  const { platform, arch } = process;
  return { platform, arch, libc: platform === "linux" ? libcOfThisProcess() : undefined };
}

function libcOfThisProcess(): "glibc" | "musl" {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined;
  return report?.header?.glibcVersionRuntime === undefined ? "musl" : "glibc";
}
