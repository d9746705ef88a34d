using Formation.Inference.Engine.KvCache;
using Formation.Inference.Engine.Serving;
using Formation.Inference.Engine.Speculation.Lookup;

namespace Formation.Inference.Engine.Speculation;

/// <summary>The drafters of a model.</summary>
internal static class Drafters
{
    /// <summary>Makes them, the one to be asked first in front.</summary>
    /// <param name="mode">Whose guesses are wanted.</param>
    /// <param name="model">The model whose tokens are guessed.</param>
    /// <param name="hasher">Makes the keys of the engine's prefix cache.</param>
    public static IEnumerable<IDrafter> Create(SpeculationMode mode, ServableModel model, PrefixHasher hasher)
    {
        if (mode != SpeculationMode.Off)
            yield return new PromptLookupDrafter();
    }
}
