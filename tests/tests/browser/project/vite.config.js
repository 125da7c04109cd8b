export default {
  build: { emptyOutDir: false, lib: { entry: `${process.env.PEOTE_ENTRY}.ts`, formats: ['es'], fileName: process.env.PEOTE_ENTRY } },
};
