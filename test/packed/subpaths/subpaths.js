// The subpaths give the very classes that the whole gives, so that `instanceof` holds across them. Errors hold also across
// the facade, which brings the code of the other packages along, and these packages.

import assert from "node:assert/strict";
import * as ofProtocol from "@multifrost/protocol/errors";
import * as whole from "multifrost";
import * as child from "multifrost/child";
import * as errors from "multifrost/errors";
import * as parent from "multifrost/parent";

const wholeByName = new Map(Object.entries(whole));
for (const [subpath, needed] of [
  [parent, "ParentWorker"],
  [child, "ChildWorker"],
  [errors, "MultifrostError"],
]) {
  assert.ok(needed in subpath);
  for (const [name, value] of Object.entries(subpath)) {
    assert.equal(value, wholeByName.get(name), name);
  }
}
const lost = new ofProtocol.ConnectionError("UNREACHABLE", "gone");
assert.ok(lost instanceof errors.ConnectionError && lost instanceof errors.MultifrostError);
assert.ok(!(lost instanceof errors.TimeoutError));
console.log("done");
