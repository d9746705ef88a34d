using Formation.Inference.Engine.Gguf;
using Formation.Inference.Engine.Reasoning;
using Formation.Inference.Engine.Templates;
using Formation.Inference.Engine.Tokenization;

namespace Formation.Inference.Engine.Serving;

/// <summary>Finds out what a model can do, from its template and its vocabulary.</summary>
public static class ModelAbilitiesReader
{
    /// <summary>What the model of a file can do, which is not loaded for that.</summary>
    /// <param name="file">The model; only its header is read.</param>
    /// <exception cref="GgufException">Its vocabulary can't be used.</exception>
    public static ModelAbilities Read(GgufFile file)
    {
        var tokenizer = Tokenizer.FromGguf(file.Metadata);
        var template = ModelLoader.ReadTemplate(file.Metadata).Template;
        return Of(template, tokenizer, template is null ? null : ReasoningProbe.Find(template, tokenizer));
    }

    /// <summary>The same of parts that are there.</summary>
    /// <param name="template">The model's template, or null where that is broken.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="thoughts">How its thoughts stand in its text, or null where it has none.</param>
    internal static ModelAbilities Of(ChatTemplate? template, Tokenizer tokenizer, ReasoningSyntax? thoughts) => new(
        template is not null, thoughts is not null, template is not null && ReasoningProbe.TakesEffort(template, tokenizer), tokenizer.Infill is not null);
}
