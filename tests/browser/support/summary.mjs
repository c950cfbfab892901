// The last line of a run, for people and for `make test`.

export default async function* summary(events) {
  let [passed, failed, skipped] = [0, 0, 0];
  const begun = Date.now();
  for await (const { type, data } of events) {
    if (!/^test:(pass|fail)$/.test(type) || data.details?.type === "suite") continue;
    if (data.skip || data.todo) skipped += 1;
    else if (type === "test:pass") passed += 1;
    else failed += 1;
  }
  yield `Browser: ${passed} passed, ${failed} failed, ${skipped} skipped, in ${Math.round((Date.now() - begun) / 1000)} s\n`;
}
