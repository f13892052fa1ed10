import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadWindowsBody } from '../../src/cli/administration/load-windows.ts';
import { loadWindows, windowText } from '../../src/contract/index.ts';

test('a window is read as it is shown, and another form is refused with the right one', () => {
  const texts = ['MON,TUE 22:00-06:00 Europe/Berlin level=4 rate=50', 'SAT 00:00-00:00 UTC rate=unlimited'];
  const { windows } = loadWindowsBody(texts) as { readonly windows: unknown };
  assert.deepEqual(loadWindows.parse(windows).map(windowText), texts);
  for (const text of ['', 'MON 22-06 UTC level=4', 'MON 22:00-06:00 level=4', 'MON 22:00-06:00 UTC speed=4'])
    assert.throws(() => loadWindowsBody([text]), { code: 'USAGE', message: /of the form "MON,TUE 22:00-06:00/ }, text);
});
