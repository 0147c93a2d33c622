// Types of the schema and of the page's operations, written to src/generated.ts before each build.
import { readFileSync, writeFileSync } from "node:fs";
import { codegen } from "@graphql-codegen/core";
import * as documents from "@graphql-codegen/typed-document-node";
import * as operationTypes from "@graphql-codegen/typescript-operations";
import { parse } from "graphql";

const at = (path) => new URL(path, import.meta.url);
const read = (path) => parse(readFileSync(at(path), "utf8"));

const text = await codegen({
  schema: read("../api/schema.graphql"),
  documents: [{ location: "operations.graphql", document: read("src/operations.graphql") }],
  config: {
    documentMode: "string",
    strictScalars: true,
    scalars: { DateTime: "string" },
    enumsAsTypes: true,
    useTypeImports: true,
  },
  filename: "generated.ts",
  plugins: [{ operationTypes: {} }, { documents: {} }],
  pluginMap: { operationTypes, documents },
});
writeFileSync(at("src/generated.ts"), text);
