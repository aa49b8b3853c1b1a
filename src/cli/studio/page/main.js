// The page of impasto studio: the server holds all state; the page shows it, and asks for changes.

import { bars } from "./bars.js";
import { commit } from "./commit.js";
import { dials } from "./dials.js";
import { easel } from "./easel.js";
import { history } from "./history.js";
import { masks } from "./masks.js";
import { allOptions } from "./options.js";
import { pictures } from "./pictures.js";
import { presets } from "./presets.js";
import { queue } from "./queue.js";
import { run } from "./run.js";
import { ask } from "./server.js";
import { connect, setOptions } from "./store.js";
import { variants } from "./variants.js";

const lost = bars();
const viewport = easel();
const paintMask = masks(viewport);
pictures(paintMask);
run();
variants();
queue();
presets();
dials();
allOptions();
commit();
history();

void icons();
void start();

/** Icons are used from within the document: not every browser lets a strict policy use those of another file. */
async function icons() {
  const text = await (await fetch("icons.svg")).text();
  const set = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  set.setAttribute("class", "set");
  set.setAttribute("aria-hidden", "true");
  document.body.append(set);
}

async function start() {
  for (;;) {
    try {
      setOptions(await ask("GET", "options"));
      return connect(lost);
    } catch {
      lost(false);
      await new Promise((wake) => setTimeout(wake, 2000));
    }
  }
}
