// Types of the two pages' queries, from the schema that the API publishes, into src/generated.ts.
import { readFileSync, writeFileSync } from "node:fs";
import { codegen } from "@graphql-codegen/core";
import * as documents from "@graphql-codegen/typed-document-node";
import * as operations from "@graphql-codegen/typescript-operations";
import { parse } from "graphql";

const at = (path) => new URL(path, import.meta.url);
const read = (path) => parse(readFileSync(path, "utf8"));

const text = await codegen({
  schema: read(process.env.ATTUNE_SCHEMA ?? at("../../../api/schema.graphql")),
  documents: [{ location: "pages.graphql", document: read(at("src/pages.graphql")) }],
  config: { documentMode: "documentNode", strictScalars: true, scalars: { DateTime: "string" }, useTypeImports: true, enumsAsTypes: true },
  filename: "generated.ts",
  plugins: [{ operations: {} }, { documents: {} }],
  pluginMap: { operations, documents },
});
writeFileSync(at("src/generated.ts"), text);
