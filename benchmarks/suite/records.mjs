// An object as programs exchange them: 100 records of ten fields each, two of them nested.

export const records = { records: Array.from({ length: 100 }, (_, index) => record(index)) };

function record(index) {
  return {
    id: 1000 + index,
    name: `Customer ${index}`,
    email: `customer${index}@example.org`,
    active: index % 3 !== 0,
    score: index * 1.25 + 0.5,
    orders: index * 7,
    note: index % 5 === 0 ? "prefers a call in the morning" : "",
    address: { street: `${index} Main Street`, city: "Springfield", zip: `${10_000 + index}` },
  };
}
