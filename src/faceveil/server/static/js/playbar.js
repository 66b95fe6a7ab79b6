// The buttons of a player: play and pause, speed, sound.

import { button, el } from "./dom.js";
import { number, say } from "./i18n.js";
import { icon } from "./icons.js";
import { SPEEDS } from "./player.js";

/**
 * @param {import("./player.js").Player} player @param {() => number} at the frame to play from
 * @returns {{play: HTMLElement, rest: HTMLElement[]}} the button to play, and all others
 */
export function playbar(player, at) {
  const play = button("play.start", icon("play"), () => player.toggle(at()), { kind: "play" });
  const speeds = SPEEDS.map((one) =>
    el("option", { value: one, selected: one === 1, t: ["play.times", { speed: () => number(one, 2) }] }),
  );
  /** @type {HTMLSelectElement} */
  const speed = el("select", { class: "quiet speed", tLabel: "play.speed", onchange: () => (player.speed = Number(speed.value)) }, speeds);
  const sound = button("play.sound", icon("sound"), () => {
    player.node.muted = !player.node.muted;
    sound.setAttribute("aria-pressed", String(!player.node.muted));
  }, { kind: "sound" });
  sound.setAttribute("aria-pressed", "true");
  const note = el("span", { class: "small soft play-note", role: "status" });
  const render = () => {
    const words = play.querySelector("span");
    if (words) say(words, player.playing ? "play.pause" : "play.start");
    play.querySelector("svg")?.replaceWith(icon(player.playing ? "pause" : "play"));
    sound.hidden = !player.can.sound;
    if (!player.can.show) say(note, player.can.sound ? "play.slow" : "play.silent");
  };
  player.told = render;
  return { play, rest: [speed, sound, note] };
}
