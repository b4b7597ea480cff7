// The frame around every page: where you are, where you can go, whether what you see is live.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Icon, type IconName } from "../ui/icon";
import { name } from "../format/text";
import { useHealth, useLanes, useStatus } from "./facts";
import { Announcer } from "./announce";
import { LaneSwitch } from "./lane-switch";
import { FeedBadge, Notice } from "./notice";
import { PAGES, href, route, type Page } from "./route";
import { THEMES, choose, theme, type Theme } from "./theme";

function Trouble({ page }: { page: Page }) {
  const health = useHealth().data.value;
  if (page !== "health" || !health || health.status === "ready") return null;
  return (
    <span class={`dot ${health.status === "unhealthy" ? "bad" : "warn"}`} role="img" aria-label="needs attention" />
  );
}

function Nav() {
  const nav = useRef<HTMLElement>(null);
  const { page: current } = route.value;
  // One lane is nothing to choose from.
  const hasLanes = (useLanes()?.length ?? 0) > 1;
  const pages = PAGES.filter(({ page }) => page !== "lanes" || hasLanes);
  // On a phone the pages are a strip that scrolls: the current one is to be in sight.
  useEffect(() => {
    const link = nav.current?.querySelector("[aria-current]");
    const strip = nav.current;
    if (strip && link instanceof HTMLElement)
      strip.scrollLeft = link.offsetLeft - strip.offsetLeft - strip.clientWidth / 3;
  }, [current, hasLanes]);
  return (
    <nav ref={nav} aria-label="Pages">
      <ul>
        {pages.map(({ page, title }) => (
          <li key={page}>
            <a href={href(page)} aria-current={current === page ? "page" : undefined}>
              <Icon name={page as IconName} />
              {title}
              <Trouble page={page} />
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

const THEME_WORDS: Record<Theme, string> = { system: "auto", light: "light", dark: "dark" };

function ThemeSwitch() {
  const next = THEMES[(THEMES.indexOf(theme.value) + 1) % THEMES.length] ?? "system";
  return (
    <button
      type="button"
      class="theme"
      onClick={() => choose(next)}
      aria-label={`Theme: ${THEME_WORDS[theme.value]}. Switch to ${THEME_WORDS[next]}.`}
    >
      <Icon name={theme.value} />
      <span>{THEME_WORDS[theme.value]}</span>
    </button>
  );
}

export function Frame({ children }: { children: ComponentChildren }) {
  const status = useStatus().data.value;
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to the content
      </a>
      <header class="bar">
        <a class="brand" href={href("overview")}>
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <g class="lines">
              <path d="M4 20h24" />
              <path d="M6 20c5 0 5-11 10-11s5 11 10 11" />
            </g>
            <circle cx="6" cy="20" r="3.4" />
            <circle cx="16" cy="20" r="3.4" />
            <circle cx="26" cy="20" r="3.4" />
            <circle cx="16" cy="9" r="2.8" />
          </svg>
          <span>poolnode</span>
        </a>
        <span class="network">{status ? name(status.network) : ""}</span>
        <LaneSwitch />
        <Nav />
        <div class="tools">
          <FeedBadge />
          <ThemeSwitch />
          <small class="version">{status ? `version ${name(status.version)}` : ""}</small>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Notice />
        {children}
      </main>
      <Announcer />
    </>
  );
}
