// A hook of Node's module loader: importing the parent's code is an error. Used by child-alone.js.

export async function resolve(specifier, context, nextResolve) {
  const resolved = await nextResolve(specifier, context);
  if (/\/(@multifrost\/parent\/|parent-worker\.js$)/.test(resolved.url)) {
    throw new Error(`the parent's code was asked for by ${context.parentURL}`);
  }
  return resolved;
}
