// multifrost/child: the answering side alone, so that a worker loads no parent code.

export {
  type ChildOptions,
  ChildWorker,
} from "@multifrost/child";
