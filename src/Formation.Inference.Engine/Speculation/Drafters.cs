using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation.DraftModels;
using Formation.Inference.Engine.Speculation.Lookup;

namespace Formation.Inference.Engine.Speculation;

/// <summary>The drafters of a model.</summary>
internal static class Drafters
{
    /// <summary>Makes them, the one to be asked first in front.</summary>
    /// <param name="options">Whose guesses are wanted, and for how many sequences at once.</param>
    /// <param name="model">The model whose tokens are guessed.</param>
    /// <param name="hasher">Makes the keys of the engine's prefix cache.</param>
    public static IEnumerable<IDrafter> Create(SpeculationOptions options, ServableModel model, PrefixHasher hasher)
    {
        if (options.Mode != SpeculationMode.Off)
            yield return new PromptLookupDrafter();
        if (options.Mode == SpeculationMode.Auto && model.Draft is { } draft)
            yield return new ModelDrafter(draft, model.Pipeline.VocabularySize, hasher, options.MaxSequences);
    }
}
