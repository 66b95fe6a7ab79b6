// Sends the newest of several values, one at a time; what was overtaken is never sent.

/** After a failure it tries again in so many milliseconds. */
const AGAIN_MS = 2000;

/** @template T */
export class Sender {
  #send;
  #again;
  #stopped = false;
  /** @type {Promise<void> | null} */
  #under_way = null;
  /** @type {T | null} */
  #waiting = null;

  /** @param {(value: T) => Promise<boolean>} send false: try again @param {number} [again] milliseconds */
  constructor(send, again = AGAIN_MS) {
    this.#send = send;
    this.#again = again;
  }

  /** @param {T} value */
  send(value) {
    this.#waiting = value;
    this.#stopped = false;
    this.#under_way ??= this.#run().finally(() => {
      this.#under_way = null;
    });
  }

  /** Send nothing more; resolves when nothing is under way. */
  async stop() {
    this.#stopped = true;
    await this.#under_way;
  }

  async #run() {
    while (this.#waiting !== null && !this.#stopped) {
      const next = this.#waiting;
      this.#waiting = null;
      if (await this.#send(next)) continue;
      this.#waiting ??= next;
      await new Promise((resolve) => setTimeout(resolve, this.#again));
    }
  }
}
