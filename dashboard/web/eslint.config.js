import vue from "eslint-plugin-vue";
import ts from "typescript-eslint";
import parser from "vue-eslint-parser";

const forbid = (...patterns) => ({
  "no-restricted-imports": ["error", { patterns: patterns.map(([group, message]) => ({ group: [group], message })) }],
});

export default ts.config(
  { ignores: ["dist/", "node_modules/", "src/generated/"] },
  ...ts.configs.recommended,
  ...vue.configs["flat/recommended"],
  {
    files: ["**/*.vue"],
    languageOptions: { parser, parserOptions: { parser: ts.parser } },
  },
  {
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "no-empty": "error",
      "prefer-const": "error",
      "no-undef": "off", // vue-tsc knows every name
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/no-non-null-assertion": "error",
      // The layout of templates is a matter of reading, not of rules.
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/html-self-closing": ["error", { html: { void: "always", normal: "never", component: "always" } }],
      "vue/html-closing-bracket-newline": "off",
      "vue/multi-word-component-names": "off",
      "vue/require-default-prop": "off",
      "vue/no-v-html": "error",
    },
  },
  {
    files: ["src/features/**"],
    rules: forbid(
      ["@/features/*", "Features never import each other: what two of them need belongs in src/lib."],
      ["../*", "Features never import each other: what two of them need belongs in src/lib."],
      ["@/app/*", "Features do not know the application around them."],
    ),
  },
  {
    files: ["src/lib/**"],
    rules: forbid(
      ["@/features/*", "The library knows no feature."],
      ["@/app/*", "The library knows no application."],
    ),
  },
);
