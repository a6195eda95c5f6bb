import { defineConfig } from "vitest/config";

const packages = ["protocol", "transport", "registry", "reliability", "parent", "child", "multifrost", "testing"];

/** Unit tests read the sources; the real child processes that tests start read `dist`, as users' do. */
const source = {
  resolve: { conditions: ["@multifrost/source"] },
  ssr: { resolve: { conditions: ["@multifrost/source"], externalConditions: ["@multifrost/source"] } },
};

export default defineConfig({
  test: {
    // Two cores: process tests start real children, so files run two at a time.
    maxWorkers: 2,
    projects: [
      ...packages.map((name) => ({
        ...source,
        test: {
          name,
          root: `packages/${name}`,
          include: ["test/**/*.test.ts"],
          // Generous: a busy machine makes tests that start processes several times slower.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          retry: 0,
        },
      })),
      {
        ...source,
        test: { name: "repository", root: ".", include: ["test/**/*.test.ts"], testTimeout: 60_000, retry: 0 },
      },
    ],
  },
});
