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
    throw transportUnavailable(cause, thisMachine());
  }
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
  lines.push('Or pass your own transport: see "Composing your own transport" in @multifrost/transport\'s README.');
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
