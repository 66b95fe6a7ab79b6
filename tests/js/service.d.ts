// Made from src/faceveil/server/schemas.py and plan.py by tools/page_types.py; change it there.

declare namespace Service {
  interface Accepted {
    batch: string;
    jobs: Job[];
    refused: Refused[];
  }

  interface Box {
    x0: number;
    y0: number;
    x1: number;
    y1: number;
  }

  interface DocumentPart {
    name: string;
    width: number;
    height: number;
    page: number;
    picture: number;
    hidden: boolean;
  }

  interface Draft {
    version: number;
    author: string;
    base: number;
    kept: Record<string, boolean>;
    changed: Track[];
    added: Track[];
    removed: number[];
  }

  interface Face {
    box: Box;
    score: number;
    landmarks: [[number, number], [number, number], [number, number], [number, number], [number, number]] | null;
  }

  interface Follow {
    frame: number;
    box: Box;
    first: number;
    last: number | null;
  }

  interface Job {
    id: string;
    batch: string;
    name: string;
    kind: "image" | "pages" | "animation" | "video" | "document" | null;
    state: "queued" | "analyzing" | "review" | "rendering" | "checking" | "done" | "failed" | "withheld";
    review: boolean;
    position: number | null;
    progress: JobProgress | null;
    faces: number | null;
    kept: number | null;
    filled: number | null;
    longest_fill: number | null;
    added: number | null;
    doubts: number | null;
    edited: boolean;
    width: number | null;
    height: number | null;
    frames: number | null;
    pages: number | null;
    pictures: number | null;
    places: string[];
    problem: Problem | null;
    warnings: string[];
    notes: string[];
    dropped: string[];
    created: string;
    original_expires: string | null;
    original_latest: string | null;
    result_expires: string | null;
    has_original: boolean;
    has_plan: boolean;
    has_draft: boolean;
    has_result: boolean;
    result_name: string | null;
    result_type: string | null;
    options: Record<string, any>;
    webhook: "waiting" | "sent" | "failed" | null;
  }

  interface JobProgress {
    stage: string;
    done: number;
    total: number | null;
    fps: number | null;
    seconds_left: number | null;
  }

  interface Jobs {
    jobs: Job[];
  }

  interface Limits {
    version: string;
    detector: string | null;
    people: boolean;
    max_upload_mb: number;
    max_upload_bytes: number;
    max_files: number;
    max_queue: number;
    max_minutes: number;
    max_pixels: number;
    keep_original_minutes: number;
    keep_reviewed_minutes: number;
    keep_result_hours: number;
  }

  interface Media {
    kind: "image" | "pages" | "animation" | "video" | "document";
    format: string;
    width: number;
    height: number;
    frames: number | null;
    transparent: boolean;
    parts: DocumentPart[];
    films: string[];
  }

  interface OptionsPage {
    schema: Record<string, any>;
    presets: Record<string, Record<string, any>>;
    service: Limits;
  }

  interface Plan {
    media: Media;
    tracks: Track[];
    detector: string;
    weights_sha256: string;
    min_face: number;
    time_base: string;
    pts: number[];
    cuts: number[];
    sha256: string;
    second: string;
    settled: number;
    schema: 1;
  }

  interface Problem {
    type: string;
    title: string;
    status: number;
    detail: string;
    advice: string;
  }

  interface Pursued {
    way: "later" | "earlier";
    boxes: Record<string, Box>;
    seen: number[];
    ended: "" | "lost" | "left" | "cut" | "film" | "asked" | "long";
    at: number;
    problem: Problem | null;
  }

  interface Recording {
    id: string;
    name: string;
    begun: string;
    result_expires: string | null;
    seconds: number;
    bytes: number;
    width: number;
    height: number;
    broken: boolean;
    open: boolean;
  }

  interface RecordingList {
    recordings: Recording[];
    bytes: number;
    most_bytes: number;
  }

  interface Refused {
    name: string;
    problem: Problem;
  }

  interface Track {
    id: number;
    boxes: Record<string, Box>;
    seen: Record<string, Face>;
    origin: "detected" | "checked" | "manual" | "zone";
    keep: boolean;
    why: "" | "reference" | "stranger" | "unsure" | "small" | "turned" | "few" | "unseen" | "crossing" | "moved";
    person: number | null;
  }
}
