// Ask caniemail about letters: JSON {clients, letters: {name: html}} on stdin; on stdout JSON {name: [[severity, feature,
// client], ...]}, where severity is `error` (no support) or `warning` (partial or buggy).
import { readFileSync } from "node:fs";
import { caniemail } from "caniemail";

const { clients, letters } = JSON.parse(readFileSync(0, "utf8"));
const answers = {};
for (const [name, html] of Object.entries(letters)) {
  const { issues } = caniemail({ clients, html });
  answers[name] = ["error", "warning"].flatMap((severity) =>
    [...issues[`${severity}s`]].flatMap(([client, found]) => found.map(({ title }) => [severity, title, client])),
  );
}
console.log(JSON.stringify(answers));
