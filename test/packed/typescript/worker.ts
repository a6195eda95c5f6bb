import { ChildWorker } from "multifrost";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export class GeometryWorker extends ChildWorker {
  distance(from: Point, to: Point): number {
    return Math.hypot(to.x - from.x, to.y - from.y);
  }

  async reversed(bytes: Uint8Array): Promise<Uint8Array> {
    return bytes.slice().reverse();
  }
}

new GeometryWorker().run();
