// A table of rows that fit on a page. Columns marked as extra leave narrow screens.

import type { ComponentChildren } from "preact";

export interface Column<T> {
  title: string;
  /** The title is for those only who do not see the column. */
  unseen?: boolean;
  cell: (row: T) => ComponentChildren;
  /** Numbers stand right. */
  number?: boolean;
  /** From which width on it is shown: always, on a tablet, on a desk, on a wide desk. */
  from?: "tablet" | "desk" | "wide";
}

interface TableProps<T> {
  caption: string;
  columns: readonly Column<T>[];
  rows: readonly T[];
  /** What a row keeps its place by when the rows change. Masked addresses may be alike. */
  keyOf: (row: T) => string;
  /** The row that is open beside the table. */
  current?: string | null;
}

export const columnClass = <T,>({ number, from }: Column<T>): string =>
  [number ? "number" : "", from ? `from-${from}` : ""].join(" ").trim();

/** A key for each row, different from all before it. */
function keysOf<T>(rows: readonly T[], keyOf: (row: T) => string): string[] {
  const seen = new Map<string, number>();
  return rows.map((row) => {
    const key = keyOf(row);
    const times = seen.get(key) ?? 0;
    seen.set(key, times + 1);
    return times === 0 ? key : `${key} ${times}`;
  });
}

export function Table<T>({ caption, columns, rows, keyOf, current = null }: TableProps<T>) {
  const keys = keysOf(rows, keyOf);
  return (
    <div class="table" role="region" aria-label={caption} tabIndex={0}>
      <table>
        <caption class="offscreen">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" class={columnClass(column)}>
                {column.unseen ? <span class="offscreen">{column.title}</span> : column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, index) => (
            <tr key={keys[index]} class={keyOf(row) === current ? "current" : ""}>
              {columns.map((column) => (
                <td key={column.title} class={columnClass(column)}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
