// As an application is built, so that all is minified; what the entry exports stays.
const name = process.env.PEOTE_ENTRY;
export default {
  build: {
    emptyOutDir: false,
    rollupOptions: { input: { [name]: `${name}.ts` }, preserveEntrySignatures: 'strict', output: { entryFileNames: '[name].js' } },
  },
};
