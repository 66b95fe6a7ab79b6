// What can be undone. States are never altered, so keeping them is keeping references.

const TOGETHER_MS = 700;

export class History {
  #past = [];
  #future = [];
  #last = { tag: null, at: 0 };

  constructor(state) {
    this.state = state;
    this.origin = state;
  }

  /**
   * Go on to a new state.
   * @param tag steps with the same tag shortly after each other are undone together, such as the
   *   presses of an arrow key; null stands alone
   */
  push(state, tag = null, now = Date.now()) {
    if (state === this.state) return;
    const together = tag !== null && tag === this.#last.tag && now - this.#last.at < TOGETHER_MS;
    if (!together) this.#past.push(this.state);
    this.#last = { tag, at: now };
    this.#future = [];
    this.state = state;
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

  #step(from, to) {
    if (!from.length) return false;
    to.push(this.state);
    this.state = from.pop();
    this.#last = { tag: null, at: 0 };
    return true;
  }
}
