namespace Formation.Inference.Engine.Templates;

/// <summary>The elements of a value as a loop, filter or <c>*</c> argument sees them.</summary>
internal static class Iteration
{
    /// <summary>A list's elements, a mapping's keys, a string's characters; nothing for an undefined value.</summary>
    public static List<TemplateValue> Items(RenderContext context, TemplateValue value)
    {
        context.ChargeRead(value);
        return value switch
        {
            ListValue list => list.Items,
            DictValue dict => [.. dict.Items.Keys],
            StringValue text => Characters(context, text.Value),
            UndefinedValue => [],
            _ => throw context.Invalid($"{value.TypeName} has no elements to go over."),
        };
    }

    /// <summary>Whether <see cref="Items"/> gives elements rather than failing.</summary>
    public static bool IsIterable(TemplateValue value) => value is ListValue or DictValue or StringValue or UndefinedValue;

    static List<TemplateValue> Characters(RenderContext context, MarkedText text)
    {
        context.CheckCollection(text.Length);
        context.ChargeObjects(text.Length);
        var characters = new List<TemplateValue>(text.Length);
        for (var at = 0; at < text.Length;)
        {
            var length = CodePoints.LengthAt(text.Text, at);
            characters.Add(new StringValue(text.Slice(at, length)));
            at += length;
        }
        return characters;
    }
}
