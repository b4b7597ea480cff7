// Line icons on a 16-unit grid, in the colour of the text.

const PATHS = {
  overview: "M2.5 9.5 8 4l5.5 5.5M4 8.5V13h8V8.5",
  workers: "M3 3.5h10v3H3zM3 9.5h10v3H3zM5 5h.01M5 11h.01M8 5h3M8 11h3",
  chain: "M2 8h12M4 8c2 0 2-4 4-4s2 4 4 4M4 8c2 0 2 4 4 4",
  blocks: "M8 2 13.5 5v6L8 14l-5.5-3V5zM2.5 5 8 8l5.5-3M8 8v6",
  peers: "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM2 8h12M8 2c4 3.5 4 8.5 0 12M8 2c-4 3.5-4 8.5 0 12",
  lanes: "M2 4h4c4 0 4 8 8 8M2 12h4c1 0 2-.6 2.600-1.400M14 4c-2 0-3 1-3.700 2.200",
  health: "M1.5 8.5H5l1.5-4 2.5 7 1.5-3h4",
  connect: "M6 10 10 6M5 7.5 3.5 9a2.5 2.5 0 0 0 3.5 3.5L8.5 11M11 8.5 12.5 7A2.5 2.5 0 0 0 9 3.5L7.5 5",
  copy: "M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z",
  check: "M3 8.5 6.5 12 13 4.5",
  system: "M2.5 3.5h11v7h-11zM6 13h4",
  light:
    "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.400 3.400l.7.7M11.900 11.900l.7.7M3.400 12.600l.7-.7M11.900 4.100l.7-.7",
  dark: "M13 9.5A5.5 5.5 0 0 1 6.5 3a5.5 5.5 0 1 0 6.5 6.5z",
  close: "M4 4l8 8M12 4l-8 8",
  go: "M6 3.5 10.5 8 6 12.5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
