// Which page is shown.

import { useEffect, useRef } from "preact/hooks";
import { Blocks } from "./pages/blocks";
import { Chain } from "./pages/chain";
import { ConnectPage } from "./pages/connect";
import { HealthPage } from "./pages/health";
import { Lanes } from "./pages/lanes";
import { Overview } from "./pages/overview";
import { Peers } from "./pages/peers";
import { Workers } from "./pages/workers";
import { tokenWanted } from "./api/token";
import { Frame } from "./shell/frame";
import { Locked } from "./shell/locked";
import { PAGES, route, type Route } from "./shell/route";

function Current({ page, subject }: Omit<Route, "lane">) {
  switch (page) {
    case "overview":
      return <Overview />;
    case "workers":
      return <Workers open={subject} />;
    case "chain":
      return <Chain open={subject} />;
    case "blocks":
      return <Blocks open={subject} />;
    case "peers":
      return <Peers />;
    case "lanes":
      return <Lanes />;
    case "health":
      return <HealthPage />;
    case "connect":
      return <ConnectPage />;
  }
}

export function App() {
  const { page, subject, lane } = route.value;
  const title = PAGES.find((entry) => entry.page === page)?.title ?? "";
  const heading = useRef<HTMLHeadingElement>(null);
  const first = useRef(true);
  useEffect(() => {
    document.title = [title, lane, "poolnode"].filter(Boolean).join(" · ");
  }, [page, lane]);
  useEffect(() => {
    // A new page is announced by its heading, except the one that the visitor came for.
    if (!first.current) heading.current?.focus();
    first.current = false;
  }, [page]);
  return (
    <Frame>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {tokenWanted.value ? <Locked /> : <Current key={lane} page={page} subject={subject} />}
    </Frame>
  );
}
