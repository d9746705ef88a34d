using System.Collections.Frozen;

namespace Formation.Inference.Engine.Tokenization.PreTokenizers;

/// <summary>Which names stand for which rules. A name is here only if golden ids of the reference prove it.</summary>
internal static class PreTokenizerCatalog
{
    static readonly FrozenDictionary<string, PreTokenizer> ByName = Families()
        .SelectMany(family => family.Names.Select(name => new PreTokenizer(name, family.Traits, family.Rules)))
        .ToFrozenDictionary(preTokenizer => preTokenizer.Name, StringComparer.Ordinal);

    public static IReadOnlyList<string> Names { get; } = [.. ByName.Keys.Order(StringComparer.Ordinal)];

    public static PreTokenizer? Find(string name) => ByName.GetValueOrDefault(name);

    readonly record struct Family(string[] Names, PreTokenizerTraits Traits, SplitRule[] Rules);

    static IEnumerable<Family> Families()
    {
        var gpt2 = new Gpt2Rule();
        var singleNumbers = new RunRule(CharacterSets.IsNumber, maximum: 1);
        var digitTriples = new RunRule(CharacterSets.IsAsciiDigit, minimum: 3, maximum: 3);
        var lineBreaks = new RunRule(CharacterSets.IsLineBreak, maximum: 1);

        yield return new(["default"], default,
        [
            new RunRule(CharacterSets.IsDefaultPunctuation), gpt2, new RunRule(CharacterSets.IsNumber), digitTriples,
        ]);
        yield return new(
            ["gpt-2", "phi-2", "mpt", "olmo", "jais", "exaone4", "gigachat", "a.x-4.0", "mellum", "trillion", "granite-docling"],
            default, [gpt2]);
        yield return new(
            ["starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"],
            default, [singleNumbers, gpt2]);
        yield return new(["falcon"], default, [new RunRule(CharacterSets.IsFalconPunctuation), gpt2, digitTriples]);
        yield return new(
            ["llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"],
            new(IgnoresMerges: true, AddsBos: true), [new Llama3Rule(maxDigits: 3)]);
        yield return new(["dbrx", "smaug-bpe", "chatglm-bpe", "glm4"], default, [new Llama3Rule(maxDigits: 3)]);
        yield return new(
            ["qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "stablelm2", "hunyuan", "solar-open", "grok-2"],
            default, [new Llama3Rule(maxDigits: 1)]);
        yield return new(["qwen35"], default, [new Llama3Rule(maxDigits: 1, CodePointClass.Letter | CodePointClass.Mark)]);
        yield return new(
            ["tekken"], new(IgnoresMerges: true, AddsBos: true), [new CasedWordRule(maxDigits: 1, withContractions: false)]);
        yield return new(
            ["gpt-4o", "llama4", "kanana2", "minimax-m2"], default, [new CasedWordRule(maxDigits: 3, withContractions: true)]);
        yield return new(["deepseek-llm"], default,
        [
            lineBreaks,
            new RunRule(CharacterSets.IsDeepSeekLetter, withSpace: true),
            new RunRule(CharacterSets.IsDeepSeekPunctuation, withSpace: true),
            new TrailingSpaceRule(),
            new RunRule(CharacterSets.IsDeepSeekCjk),
            new RunRule(CharacterSets.IsNumber),
        ]);
        yield return new(["deepseek-coder"], default,
        [
            lineBreaks,
            new RunRule(CharacterSets.IsLetter, withSpace: true),
            new RunRule(CharacterSets.IsPunctuation, withSpace: true),
            new RunRule(CharacterSets.IsDeepSeekCjk),
            singleNumbers,
        ]);
        yield return new(["deepseek-v3", "hunyuan-dense", "joyai-llm"], default,
        [
            new RunRule(CharacterSets.IsNumber, maximum: 3), new RunRule(CharacterSets.IsHanOrKana), new DeepSeek3Rule(),
        ]);
    }
}
