/** The page: which model, as of when, is it fit for use; and its views. */

import { useEffect, useState } from "preact/hooks";
import { Chip, SelectField, Status } from "./components";
import { keepKey } from "./api";
import { type Chosen, type Listing, useChosen, useListing } from "./model";
import { parameters, useUrlState } from "./state";
import { Backtest } from "./views/Backtest";
import { Explore } from "./views/Explore";
import { Fidelity } from "./views/Fidelity";
import { Models } from "./views/Models";
import { Risk } from "./views/Risk";
import { Screen } from "./views/Screen";
import { Stress } from "./views/Stress";

const VIEWS = {
  explore: ["Explore", Explore],
  fidelity: ["Fidelity", Fidelity],
  risk: ["Risk", Risk],
  backtest: ["Backtest", Backtest],
  stress: ["Stress", Stress],
  screen: ["Screen", Screen],
  models: ["Models and jobs", Models],
} as const;

type ViewName = keyof typeof VIEWS;

export function App() {
  const listing = useListing();
  if (listing.error?.status === 401) return <AskForKey again={listing.again} />;
  if (!listing.data) {
    return (
      <main>
        <h1 class="unseen">fingan</h1>
        <Status loading={listing.loading} error={listing.error} again={listing.again} />
      </main>
    );
  }
  return <Page listing={listing.data} />;
}

function Page({ listing }: { listing: Listing }) {
  const [chosen, choose] = useChosen(listing);
  const [name] = useUrlState<string>("view", "explore");
  const view = (name in VIEWS ? name : "explore") as ViewName;
  const [title, View] = VIEWS[view];
  useEffect(() => {
    document.title = `${title}: ${chosen.reference}, fingan`;
  }, [title, chosen.reference]);
  return (
    <>
      <button
        type="button"
        class="skip"
        onClick={() => document.getElementById("content")?.focus()}
      >
        To the content
      </button>
      <div class="top">
        <header class="bar-inner">
          <a class="brand" href="#">fingan</a>
          <Facts chosen={chosen} choose={choose} />
          <ThemeButton />
        </header>
        <nav class="tabs" aria-label="Views">
          {(Object.keys(VIEWS) as ViewName[]).map((key) => (
            <a key={key} href={address(key)} aria-current={key === view ? "page" : undefined}>
              {VIEWS[key][0]}
            </a>
          ))}
        </nav>
      </div>
      <main id="content" tabIndex={-1}>
        <h1 class="unseen">{title} of {chosen.reference}</h1>
        <View key={chosen.entry?.model ?? chosen.reference} chosen={chosen} />
      </main>
      <footer class="foot">
        Model-implied, not advice: every figure is what a model fitted to past prices says, with its own error; none is a forecast.
        {" "}<a href="docs">The same over HTTP</a>
      </footer>
    </>
  );
}

function Facts({ chosen, choose }: { chosen: Chosen; choose: (reference: string) => void }) {
  const { entry, listing, reference } = chosen;
  const names = [...new Set(listing.models.filter((one) => one.problem === null).map((one) => one.name))];
  const pinned = reference.includes("@") ? [reference] : [];
  const options = [
    ...names.map((name) => ({ value: name, label: `${name} (newest)` })),
    ...pinned.map((name) => ({ value: name, label: name })),
    ...listing.baselines.map((one) => ({ value: one.model, label: `${one.model} (baseline)` })),
  ];
  return (
    <>
      <SelectField label="Model" value={reference} options={options} onChange={choose} />
      <dl class="facts">
        {entry ? (
          <>
            <div><dt>version</dt><dd>{entry.model}</dd></div>
            <div><dt>fit for use</dt><dd><Fitness entry={entry} /></dd></div>
            <div><dt>learnt until</dt><dd>{entry.fitted_until}</dd></div>
            <div class="optional"><dt>from</dt><dd>{entry.first}</dd></div>
            <div class="optional"><dt>assets</dt><dd>{entry.assets.length}</dd></div>
          </>
        ) : (
          <div><dt>kind</dt><dd><Chip tone="reference">classical baseline</Chip></dd></div>
        )}
      </dl>
    </>
  );
}

function Fitness({ entry }: { entry: NonNullable<Chosen["entry"]> }) {
  const n = entry.gates_passed + entry.gates_failed.length;
  const counted = `${entry.gates_passed} of ${n} gates`;
  if (entry.status === "candidate") {
    const failed = entry.gates_failed.map((gate) => gate.replaceAll("_", " ")).join(", ");
    const chosen = entry.n_trials > 1 ? `, best of ${entry.n_trials} trials` : "";
    const instead = entry.offer ? `; use ${entry.offer} instead` : "";
    return <Chip tone="warn" title={`fails: ${failed || "none"}${chosen}${instead}`}>candidate, {counted}{chosen}{instead}</Chip>;
  }
  return <Chip tone="good">{counted}</Chip>;
}

function address(view: ViewName): string {
  const now = parameters();
  const kept = new URLSearchParams();
  for (const name of ["model", "weights"]) {
    const value = now.get(name);
    if (value !== null) kept.set(name, value);
  }
  if (view !== "explore") kept.set("view", view);
  return `#${kept.toString()}`;
}

function ThemeButton() {
  const [theme, setTheme] = useState(() => localStorage.getItem("fingan-theme") ?? "");
  useEffect(() => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    localStorage.setItem("fingan-theme", theme);
  }, [theme]);
  const isDark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  return (
    <button type="button" class="quiet" onClick={() => setTheme(isDark ? "light" : "dark")}>
      {isDark ? "Light" : "Dark"} theme
    </button>
  );
}

function AskForKey({ again }: { again: () => void }) {
  const [text, setText] = useState("");
  return (
    <main>
      <section class="panel">
        <h1>This service needs a key</h1>
        <p class="faint">Ask its operator for one (<code>fingan keys create</code>). It stays in this tab only.</p>
        <form
          class="controls"
          onSubmit={(event) => {
            event.preventDefault();
            keepKey(text.trim());
            again();
          }}
        >
          <div class="field">
            <label for="key">Key</label>
            <input id="key" type="password" value={text} autocomplete="off" onInput={(event) => setText(event.currentTarget.value)} />
          </div>
          <button type="submit" class="run">Use it</button>
        </form>
      </section>
    </main>
  );
}
