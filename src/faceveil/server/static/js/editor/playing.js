// Plays the original in the review, with the boxes on each of its pictures.

import { urls } from "../api.js";
import { Player } from "../player.js";

/** @param {import("./model.js").Model} model @param {{id: string}} job @param {import("./stage.js").Stage} stage */
export function playerOf(model, job, stage) {
  const player = new Player({
    url: urls.original(job),
    frames: model.frames,
    times: async () => (frame) => model.seconds(frame),
    look: (frame) => stage.image.show(frame),
    at: (frame) => model.go(frame, "playing"),
    rest: () => {
      model.stay();
      return stage.image.show(model.frame);
    },
  });
  stage.image.node.after(player.node);
  // Whoever goes elsewhere, or changes something, looks at one frame.
  model.listen((what) => {
    if (player.playing && (what === "frame" || what === "tracks")) player.pause();
  });
  stage.layer.addEventListener("pointerdown", () => player.pause());
  return player;
}
