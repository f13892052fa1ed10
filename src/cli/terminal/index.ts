export { writeCheck } from './check-line.ts';
export { colour, type Meaning } from './colour.ts';
export { ADDITIONAL, configureHelp, takeNoColor } from './help.ts';
export { openLog } from './log.ts';
export { type LogFormat, logFormat } from './log-format.ts';
export { tell } from './tell.ts';
export { CLEAR_LINE, type Output, widthOf } from './terminal.ts';
export { withoutControls } from './without-controls.ts';
export { wrap, wrapBeside } from './wrap.ts';
