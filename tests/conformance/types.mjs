// Types of the schema, and of a shop's operations with their documents, as a front end generates them.
// usage: node types.mjs SCHEMA OPERATIONS, which writes schema.ts and operations.ts
import { readFileSync, writeFileSync } from "node:fs";
import { codegen } from "@graphql-codegen/core";
import * as schemaTypes from "@graphql-codegen/typescript";
import * as operationTypes from "@graphql-codegen/typescript-operations";
import * as documents from "@graphql-codegen/typed-document-node";
import { parse } from "graphql";

const [schema, operations] = process.argv.slice(2);
const config = { strictScalars: true, scalars: { DateTime: "string" }, useTypeImports: true };

async function write(filename, pluginMap) {
  const text = await codegen({
    schema: parse(readFileSync(schema, "utf8")),
    documents: [{ location: operations, document: parse(readFileSync(operations, "utf8")) }],
    config,
    filename,
    plugins: Object.keys(pluginMap).map((name) => ({ [name]: {} })),
    pluginMap,
  });
  writeFileSync(filename, text);
}

await write("schema.ts", { schemaTypes });
await write("operations.ts", { operationTypes, documents });
