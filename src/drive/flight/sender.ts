/** Sends requests on connections that may send: the bytes to the loop, their account to those under way. */
import type { EventLoop } from '../../loop/event-loop.ts';
import type { Outgoing } from './outgoing.ts';
import type { Standing } from './standing.ts';
import type { UnderWay } from './under-way.ts';

const NOT_SENT = 'could not be sent';

export type SenderOptions = {
  outgoing: Outgoing;
  standing: Standing;
  underWay: UnderWay;
  /** Told when nothing else is under way on the connection: null when no reply depends on its request. */
  expect: ((conn: number, variant: number) => void) | null;
  /** The connection took no bytes: it is of no further use. */
  fail: (conn: number, nowNs: number, kind: string) => void;
};

export class Sender {
  readonly #outgoing: Outgoing;
  readonly #standing: Standing;
  readonly #underWay: UnderWay;
  readonly #expect: SenderOptions['expect'];
  readonly #fail: SenderOptions['fail'];
  #loop!: EventLoop;

  constructor(options: SenderOptions) {
    this.#outgoing = options.outgoing;
    this.#standing = options.standing;
    this.#underWay = options.underWay;
    this.#expect = options.expect;
    this.#fail = options.fail;
  }

  attach(loop: EventLoop): void {
    this.#loop = loop;
    this.#outgoing.attach(loop);
  }

  /** The caller has asked Standing whether the connection may send, here and below. */
  send(conn: number, plannedNs: number, nowNs: number, variant: number): void {
    this.#begun(conn, variant, this.#underWay.begin(conn, plannedNs, nowNs, variant));
    this.#send(conn, nowNs, variant);
  }

  /** As one piece, a lone request `count` times; count ≤ Outgoing.batchLimit. */
  sendBatch(conn: number, count: number, nowNs: number): void {
    for (let i = 0; i < count; i++) this.#begun(conn, 0, this.#underWay.begin(conn, nowNs, nowNs, 0));
    if (!this.#outgoing.sendBatch(this.#loop, conn, count)) this.#fail(conn, nowNs, NOT_SENT);
  }

  /** Of what waits to be sent a second time, as much as the connection takes. */
  sendAgain(conn: number, nowNs: number): void {
    const { again } = this.#underWay;
    while (again.length > 0 && this.#standing.maySend(conn)) {
      const { variant } = again;
      this.#begun(conn, variant, this.#underWay.beginAgain(conn, nowNs));
      this.#send(conn, nowNs, variant);
    }
  }

  #begun(conn: number, variant: number, isFirst: boolean): void {
    this.#standing.sentCount[conn]!++;
    if (this.#outgoing.isLast(variant)) this.#standing.spend(conn);
    if (isFirst && this.#expect !== null) this.#expect(conn, variant);
  }

  #send(conn: number, nowNs: number, variant: number): void {
    if (!this.#outgoing.send(this.#loop, conn, variant)) this.#fail(conn, nowNs, NOT_SENT);
  }
}
