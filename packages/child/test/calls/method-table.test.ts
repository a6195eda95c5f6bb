import { describe, expect, test } from "vitest";
import { MethodTable, publicMethods } from "../../src/calls/method-table.js";
import { ChildWorker } from "../../src/index.js";

abstract class Storage extends ChildWorker {
  open(): string {
    return "opened";
  }
  describe(): string {
    return "storage";
  }
}

class Shop extends Storage {
  readonly #secret = "kept";
  static of(): Shop {
    return new Shop();
  }
  accessed = 0;
  arrow = (): string => "arrow";
  shelf = 3;
  [Symbol.for("sell")](): string {
    return "symbol";
  }
  override describe(): string {
    return `shop over ${super.describe()}`;
  }
  get price(): () => number {
    this.accessed++;
    return () => 1;
  }
  set price(_value: unknown) {
    this.accessed++;
  }
  secret(): string {
    return this.#secret;
  }
  async sell(item: string, count: number): Promise<string> {
    return `${count} ${item}`;
  }
  _restock(): void {}
  __audit(): void {}
  override toString(): string {
    return "shop";
  }
  override valueOf(): number {
    return 1;
  }
  override hasOwnProperty(): boolean {
    return true;
  }
}

/** Names that every object answers to, and the base class's own. */
const NEVER_CALLABLE = [
  "constructor",
  "__proto__",
  "prototype",
  "toString",
  "toLocaleString",
  "valueOf",
  "hasOwnProperty",
  "isPrototypeOf",
  "propertyIsEnumerable",
  "__defineGetter__",
  "__defineSetter__",
  "__lookupGetter__",
  "__lookupSetter__",
  "stop",
  "run",
  "start",
  "serviceId",
  "droppedMessages",
  "#end",
  "#stop",
  "of",
  "Symbol(sell)",
] as const;

function tableOf(worker: ChildWorker): MethodTable {
  return new MethodTable(worker, ChildWorker.prototype, worker.listFunctions());
}

function call(table: MethodTable, name: string, ...args: unknown[]): unknown {
  const lookup = table.find(name);
  if (!lookup.found) {
    throw new Error(lookup.reason);
  }
  return lookup.method(...args);
}

describe("[CALL-3] what is listed can be called, and nothing else", () => {
  test("public methods of every level below the base class are listed once, sorted", () => {
    expect(publicMethods(new Shop(), ChildWorker.prototype)).toEqual(["describe", "open", "secret", "sell"]);
    expect(new Shop().listFunctions()).toEqual(["describe", "open", "secret", "sell"]);
    expect(tableOf(new Shop()).names).toEqual(["describe", "open", "secret", "sell"]);
  });

  test("a method of any level runs on the worker with its arguments", async () => {
    const table = tableOf(new Shop());
    expect(call(table, "open")).toBe("opened");
    expect(call(table, "describe")).toBe("shop over storage");
    expect(call(table, "secret")).toBe("kept");
    expect(await call(table, "sell", "apples", 3)).toBe("3 apples");
  });

  test.each(NEVER_CALLABLE)("%s is not found", (name) => {
    expect(tableOf(new Shop()).find(name)).toEqual({
      found: false,
      code: "FUNCTION_NOT_FOUND",
      reason: expect.stringMatching(/^Function '.+' not found(; did you mean '\w+'\?)?$/),
    });
  });

  test.each(["_restock", "__audit", "_nothing", "_"])("%s is private, whether it exists or not", (name) => {
    expect(tableOf(new Shop()).find(name)).toEqual({
      found: false,
      code: "PRIVATE_METHOD",
      reason: `Cannot call private method '${name}'`,
    });
  });

  test.each(["shelf", "price", "namespace"])("%s is a member, but not callable", (name) => {
    expect(tableOf(new Shop()).find(name)).toEqual({
      found: false,
      code: "NOT_CALLABLE",
      reason: `'${name}' is not callable`,
    });
  });

  test("a function property is refused with the way to make it callable", () => {
    expect(tableOf(new Shop()).find("arrow")).toEqual({
      found: false,
      code: "NOT_CALLABLE",
      reason: "'arrow' is a function property, not a method: write arrow() { … } in the class to make it callable",
    });
  });

  test.each(["_hidden", "__proto", "stop"])(
    "a function property called %s is refused like a method of that name",
    (name) => {
      const table = tableOf(Object.assign(new Shop(), { [name]: () => "called" }));
      expect(table.find(name)).toEqual(tableOf(new Shop()).find(name));
    },
  );

  test("a method bound to its worker by the constructor stays callable", () => {
    class Bound extends ChildWorker {
      constructor() {
        super();
        this.open = this.open.bind(this);
      }
      open(): string {
        return "opened";
      }
    }
    expect(call(tableOf(new Bound()), "open")).toBe("opened");
  });

  test("no accessor is ever run", () => {
    const shop = new Shop();
    const table = tableOf(shop);
    table.find("price");
    table.find("pric");
    shop.listFunctions();
    expect(shop.accessed).toBe(0);
  });

  test("[MSG-5] an empty name is a missing name", () => {
    expect(tableOf(new Shop()).find("")).toEqual({
      found: false,
      code: "MISSING_FUNCTION",
      reason: "Message missing 'function' field",
    });
  });

  test("a misspelt name is answered with the nearest one", () => {
    expect(tableOf(new Shop()).find("sel")).toMatchObject({ reason: "Function 'sel' not found; did you mean 'sell'?" });
  });

  test("the nearest is never a name that cannot be called", () => {
    expect(tableOf(new Shop()).find("restock")).toMatchObject({ reason: "Function 'restock' not found" });
    expect(tableOf(new Shop()).find("stopp")).toMatchObject({ reason: "Function 'stopp' not found" });
  });

  test("a long unknown name is repeated in part only", () => {
    const { reason } = tableOf(new Shop()).find("x".repeat(1_000_000)) as { reason: string };
    expect(reason).toBe(`Function '${"x".repeat(100)}…' not found`);
  });

  test("functions added after the start are not callable", () => {
    const shop = new Shop();
    const table = tableOf(shop);
    Object.assign(shop, { later: () => "later" });
    expect(table.find("later")).toMatchObject({ found: false });
  });
});

describe("[CALL-7] introspection", () => {
  test.each(["listFunctions", "list_functions", "ListFunctions"])(
    "%s answers with the names that can be called",
    (name) => {
      expect(call(tableOf(new Shop()), name)).toEqual(["describe", "open", "secret", "sell"]);
    },
  );

  test("a worker that lists fewer offers fewer", () => {
    class Kiosk extends Shop {
      override listFunctions(): string[] {
        return ["sell", "open"];
      }
    }
    const table = tableOf(new Kiosk());
    expect(call(table, "listFunctions")).toEqual(["open", "sell"]);
    expect(call(table, "open")).toBe("opened");
    expect(table.find("secret")).toMatchObject({ found: false, code: "FUNCTION_NOT_FOUND" });
  });

  test("names a worker lists that are no public method are neither listed nor callable", () => {
    class Boaster extends Shop {
      override listFunctions(): string[] {
        return ["sell", "_restock", "constructor", "stop", "price", "shelf", "arrow", "nothing"];
      }
    }
    const table = tableOf(new Boaster());
    expect(call(table, "listFunctions")).toEqual(["sell"]);
    for (const name of ["_restock", "constructor", "stop", "price", "shelf", "arrow", "nothing"]) {
      expect(table.find(name)).toMatchObject({ found: false });
    }
  });

  test("[INT-1] metadata describes exactly the methods that can be called", () => {
    const table = tableOf(new Shop());
    const lookup = table.find("ListFunctions");
    expect(lookup.found && lookup.metadata?.()).toEqual({
      features: ["undefined"],
      interface: {
        language: "javascript",
        functions: {
          describe: { parameters: [] },
          open: { parameters: [] },
          secret: { parameters: [] },
          sell: { parameters: [{ name: "item" }, { name: "count" }] },
        },
      },
    });
    expect(table.find("sell")).not.toHaveProperty("metadata");
  });

  test("a worker may have a method by one of the other names", () => {
    class Lister extends ChildWorker {
      list_functions(): string {
        return "mine";
      }
    }
    const table = tableOf(new Lister());
    expect(call(table, "list_functions")).toBe("mine");
    expect(call(table, "ListFunctions")).toEqual(["list_functions"]);
  });
});
