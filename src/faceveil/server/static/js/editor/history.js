// What can be undone. States are never altered, so keeping them is keeping references.

const TOGETHER_MS = 700;

/** @template S */
export class History {
  /** @type {S[]} */
  #past = [];
  /** @type {S[]} */
  #future = [];
  /** @type {{tag: string | null, at: number}} */
  #last = { tag: null, at: 0 };

  /** @param {S} state */
  constructor(state) {
    this.state = state;
    this.origin = state;
  }

  /**
   * Go on to a new state.
   * @param {S} state
   * @param {string | null} tag steps with the same tag shortly after each other are undone together, such as the
   *   presses of an arrow key; null stands alone
   * @param {number} [now] @param {number} [within] milliseconds that are shortly
   */
  push(state, tag = null, now = Date.now(), within = TOGETHER_MS) {
    if (state === this.state) return;
    const together = tag !== null && tag === this.#last.tag && now - this.#last.at < within;
    if (!together) this.#past.push(this.state);
    this.#last = { tag, at: now };
    this.#future = [];
    this.state = state;
  }

  /** All states to go back to, and forward to; of each list the last one is the next. */
  get steps() {
    return { past: [...this.#past], future: [...this.#future] };
  }

  /** Have those of a review that was left. @param {{past: S[], future: S[]}} steps */
  restore({ past, future }) {
    this.#past = past;
    this.#future = future;
  }

  undo() {
    return this.#step(this.#past, this.#future);
  }

  redo() {
    return this.#step(this.#future, this.#past);
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Is there anything to save? */
  get changed() {
    return this.state !== this.origin;
  }

  /** @param {S[]} from @param {S[]} to */
  #step(from, to) {
    const next = from.pop();
    if (next === undefined) return false;
    to.push(this.state);
    this.state = next;
    this.#last = { tag: null, at: 0 };
    return true;
  }
}
