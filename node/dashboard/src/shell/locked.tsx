// A node that listens to others and is not public says nothing without its token.

import { askAgain } from "../api/resource";
import { showToken, tokenShown, tokenWanted } from "../api/token";
import { Card } from "../ui/parts";

export function Locked() {
  const show = (event: Event) => {
    event.preventDefault();
    const form = event.currentTarget;
    const typed = form instanceof HTMLFormElement ? new FormData(form).get("token") : null;
    if (typeof typed !== "string" || !typed.trim()) return;
    showToken(typed.trim());
    tokenWanted.value = false;
    askAgain();
  };
  return (
    <Card title="This node is private">
      <p class="explain">
        From another machine it answers only to who knows its token: the content of the file that{" "}
        <code>api.token_file</code> names, or of the cookie file that <code>poolnode status</code> shows.
      </p>
      {tokenShown() && (
        <p class="explain text-warn" role="alert">
          The node did not take that token.
        </p>
      )}
      <form class="whose" onSubmit={show}>
        <label>
          Token <input name="token" type="password" autocomplete="off" />
        </label>
        <button type="submit" class="copy">
          Show the node
        </button>
      </form>
    </Card>
  );
}
