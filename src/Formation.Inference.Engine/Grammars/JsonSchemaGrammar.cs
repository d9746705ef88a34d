using System.Text.Json;
using Formation.Inference.Engine.Grammars.Schemas;

namespace Formation.Inference.Engine.Grammars;

/// <summary>
/// Grammars of the JSON texts that satisfy a JSON Schema (draft 2020-12, and what older drafts wrote otherwise). Every text of the grammar satisfies the
/// schema; not every value that does can be written: see the remarks.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>Properties stand in the order of the schema. Where it lists some and does not speak of <c>additionalProperties</c>, there are no others.</item>
/// <item>A schema without a type, but with keywords that speak about one, means that type.</item>
/// <item>Values of <c>enum</c> and <c>const</c> are written as the schema spells them; white space and numbers are bounded as in
/// <see cref="JsonGrammar"/>.</item>
/// <item><c>oneOf</c> is held where its alternatives can be told apart, and refused where a value could be two of them.</item>
/// <item><c>not</c>, <c>if</c> and dependent properties are held as the ways to satisfy them, <c>contains</c> by counting, and <c>uniqueItems</c> where the
/// values of an item can be listed.</item>
/// <item>What a grammar can't hold is refused; annotations and unknown keywords and formats say nothing, as the standard wants it.</item>
/// </list>
/// </remarks>
public static class JsonSchemaGrammar
{
    /// <summary>The grammar of a schema.</summary>
    /// <exception cref="GrammarException">It can't be held, contradicts itself or is too large; the message says where, as a JSON pointer, and what to do.</exception>
    /// <exception cref="OperationCanceledException">Its time is over.</exception>
    public static GrammarDefinition Of(JsonElement schema, CancellationToken cancellationToken = default)
    {
        try
        {
            return SchemaRules.Of(new SchemaDocument(schema, cancellationToken));
        }
        catch (InvalidOperationException)
        {
            // The reader's answer to half a surrogate pair, which it only finds when a text is asked for.
            throw new GrammarException("the schema can't be used: a text in it holds half a surrogate pair; remove it");
        }
    }
}
