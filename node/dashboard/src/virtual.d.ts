declare module "virtual:land" {
  /** The world's land as an SVG path in the units of charts/projection.ts. */
  export const LAND: string;
}

declare module "*.css" {}
