// A QR code, drawn here: what it says never leaves the page.

import { encode } from "uqr";

/** Light modules around the code, as the standard asks. */
const QUIET = 3;

export function Qr({ text }: { text: string }) {
  const { data, size } = encode(text, { border: QUIET, ecc: "M" });
  const path = data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
  return (
    <svg
      class="qr"
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={`QR code of ${text}`}
      shape-rendering="crispEdges"
    >
      <rect class="light" width={size} height={size} />
      <path class="dark" d={path} />
    </svg>
  );
}
