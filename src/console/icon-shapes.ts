/** Shapes of 16 × 16, drawn with lines. Each stands beside a word that says the same. */
export const SHAPES = {
  done: 'M3.5 8.5l3 3 6-7',
  warning: 'M8 2.5l6 11H2zM8 6.5v3.2M8 11.6v.4',
  failed: 'M4 4l8 8M12 4l-8 8',
  waiting: 'M8 2.2a5.8 5.8 0 110 11.6A5.8 5.8 0 018 2.2zM8 4.8V8l2.2 1.6',
  running: 'M3 8h9M8.5 4l4 4-4 4',
  paused: 'M5.5 3.5v9M10.5 3.5v9',
  unknown: 'M5.8 6a2.2 2.2 0 113.2 2c-.8.5-1 .9-1 1.7M8 12v.3',
  skipped: 'M4 8h8',
  ready: 'M8 2.2a5.8 5.8 0 110 11.6A5.8 5.8 0 018 2.2zM5.4 8.2l1.9 1.9 3.4-4',
} as const;

export type IconName = keyof typeof SHAPES;
