// A hook of Node's module loader: whoever asks for the parent's code gets an error. Used by child-alone.js.

export async function resolve(specifier, context, nextResolve) {
  const resolved = await nextResolve(specifier, context);
  if (resolved.url.includes("/@multifrost/parent/")) {
    throw new Error(`the parent's code was asked for by ${context.parentURL}`);
  }
  return resolved;
}
